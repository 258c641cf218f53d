"""Random command lines for a script, drawn from its flags' definitions."""

import runpy
from unittest import mock

from absl import app, flags

from mimo_keras import methods
from uncertainty_runs.common import script as script_module

WILD = 0.2
"""Share of the values that a user would not mean."""
HUGE = (2**31, 2**63, 10**30)

_TEXTS = (
    *("", " ", "{", "{depth}", "ä€𝄞", "x" * 300, "x" * 5000, "a/b/../c"),
    *(",", "a,,b", "-1", "nan", "%s", "a\nb", "None", "=", ":", "file/x"),
)
_WHOLE = ("", "1.5", "1e3", "0x2", "x", "１", "0", "-1", "1_0", " 3")
_NUMBERS = (
    *("nan", "inf", "-inf", "1e308", "-1e308", "-0.0", "1e-320", "1e999"),
    *("", "x", "0", "-1", "1e-9", "1e9"),
)
_TRUTHS = ("=true", "=0", "=2", "=", "=None")
_SYNTAX = (
    *("--no_such_flag=1", "word", "--", "--=", "-", "--seed", "---seed=1"),
    *("--flagfile=none", "--nooutput_dir", "--output_dir=a=b", "--data_dir"),
)

# Meaningful texts, which a flag's definition does not list.
_MEANT = {
    "backbone": ("mlp_4", "mlp", "small_cnn_1", "small_cnn_{width}")
    + ("wide_resnet_10_1", "bottleneck_resnet_6_1", "vit_tiny_8", "mlp_4_0")
    + ("small_cnn_0", "wide_resnet_11_1", "bottleneck_resnet_7_1", "vit_tiny_0")
    + ("bottleneck_resnet", "vit_tiny_3"),
    "init_from": ("a", "m", "e/ensemble.keras", "none.keras", "file"),
    "split": ("input", "0", "1", "2", "9", "head"),
    "unmix": ("none", "full", "partial", "fadeout"),
    "alignment": ("equal", "colinear", "none"),
    "keys": ("gaussian", "orthogonal", "conv", "identity"),
    "demultiplexer": ("mlp", "heads"),
    "member_reduction": ("mean", "sum"),
    "depth_divergence": ("reverse", "forward"),
    "depth_prior": ("0.5,0.5", "0.25,0.25,0.5", "1,0", "1", "2,-1", "0,0"),
    "assign": ("shared", "disjoint", "distinct"),
    "grouping": ("by_shape", "single"),
    "lr_decay_epochs": ("", "0", "80,160", "1,1", "-5", "9" * 30),
    "output_dir": ("out", "a", "m", "b", "file", "deep/er", "."),
    "data_dir": ("data", "none", "file"),
    "source": ("data", "none", "file", ""),
    "tpu": ("", "grpc://127.0.0.1:9", "name"),
    "runs": ("a", "m", "a,b", "a,a", "a,m", "none", "a,none", "file", "e"),
    "run_dir": ("a", "m", "e", "none", "file", "."),
    "run_dirs": ("a", "a,b", "a,m", "m,m", "none", "a,none", "."),
    "models": ("e/ensemble.keras", "file", "none.keras", "a/flags.json", "a"),
    "suite": ("test", "corrupted", "ood", "test,ood", "shifted"),
    "methods": ("mimo:2", "deterministic:1", "mimo:2:l2=0", "mimo", "mimo:x")
    + ("mimo:0x2", "mimo:2:l2", "bagging:2", "mimo:2,deterministic:1", "mimo:0")
    + ("mimo:2:", "naive_multihead:2,naive_multihead:3", "mimo,naive_multihead")
    + ("mc_dropout:1", "mimmo:2", "rank1_bnn:2", "batch_ensemble:2"),
    "sizes": ("1", "1,2", "3", "0", "-1", "two", "1.5"),
    "seeds": ("0", "0,1", "-1", "x", "0x1", "1,1"),
    "base": ("mimo:2", "mimo", "mimo:2:l2=0", "mimmo:2:recipe=mimmo", "x:1"),
    "vary": ("alpha=0,1", "l1=0,1e-4", "ensemble_size=1,2", "l1=", "l1", "=1")
    + ("l1=1e-5,1e-2", "unmix=none,full", "l1=nan,inf", "l1=-1,1"),
    "record": ("record.json", "sweep.json", "toy.json", "new.json", "none/r")
    + ("budgets.json", "depths.json", "sharing.json", "reproduce.json")
    + ("a/flags.json", "file", ".", "empty.json", "file/r.json"),
    "records": ("record.json", "sweep.json,toy.json", "none", "file"),
    "figure": ("f.png", "toy.png", "new/f.png", "file", ".", "f", "f.txt")
    + ("file/f.png", "f.json"),
    "options": ("train_epochs=1", "l2=0,l1=0", "l2", "nonsense=1", "=1"),
    "panels": ("accuracy", "ece,brier", "accuracy,accuracy_member", "none", ""),
    "against": ("weights/kept", "test/nll", "none"),
}
_SMALL = (1, 1, 2, 2, 3, 4, 8)
_SHARES = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 3.0)
# Flags that decide which other flags are meaningful.
_FIRST = ("method", "figure", "models", "vary", "table_only")


def definitions(script):
    """Returns the flags that a script defines, by name, without running it."""
    before = {*flags.FLAGS}
    with (
        mock.patch.object(script_module, "run", lambda main: None),
        mock.patch.object(app, "run", lambda main: None),
    ):
        runpy.run_path(str(script), run_name="__main__")
    names = sorted({*flags.FLAGS} - before)
    found = {name: flags.FLAGS[name] for name in names}
    flags.FLAGS.remove_flag_values(names)
    return found


def draw(random, known, method=None):
    """Returns a command line, without the script's name.

    Args:
        random: random.Random.
        known: Result of `definitions`.
        method: The method to draw options for; None for any.
    """
    names = [n for n in _FIRST if n in known and random.random() < 0.5]
    chosen = {"method": method or random.choice(methods.list_methods())}
    others = [n for n in known if n not in names and n not in _others(chosen)]
    names += random.sample(others, min(random.randint(0, 5), len(others)))
    line = [_flag(random, name, known[name], chosen) for name in names]
    if random.random() < WILD / 4:
        line.append(random.choice(_SYNTAX))
    return line


def _others(chosen):
    """Returns options that the chosen method does not have."""
    own = methods.options(chosen["method"])
    every = {o for m in methods.list_methods() for o in methods.options(m)}
    return every - {*own}


def _flag(random, name, flag, chosen):
    wild = random.random() < WILD
    kind = flag.flag_type()
    if kind == "bool":
        if wild:
            return f"--{name}{random.choice(_TRUTHS)}"
        return random.choice([f"--{name}", f"--no{name}"])
    return f"--{name}={_value(random, name, flag, kind, wild, chosen)}"


def _value(random, name, flag, kind, wild, chosen):
    if kind in ("int", "float"):
        return _number(random, flag, kind, wild)
    if wild:
        return random.choice(_TEXTS)
    if "enum" in kind:
        return random.choice(flag.parser.enum_values)
    if name in chosen:
        return chosen[name]
    return random.choice(_MEANT.get(name, ("", "x")))


def _number(random, flag, kind, wild):
    bounds = flag.parser.lower_bound, flag.parser.upper_bound
    if not wild:
        known = _SMALL if kind == "int" else _SHARES
        low, high = (b if b is not None else 0 for b in bounds)
        known = [n for n in known if n >= low and n <= (high or n)]
        return random.choice(known or [low])
    beyond = [b + sign for b, sign in zip(bounds, (-1, 1), strict=True) if b]
    if kind == "float":
        return random.choice([*_NUMBERS, *beyond])
    return random.choice([*_WHOLE, *HUGE, *(-n for n in HUGE), *beyond])
