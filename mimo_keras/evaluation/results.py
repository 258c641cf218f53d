"""The results of a run by test set, and their names in results.json."""

import dataclasses

from mimo_keras.evaluation import type_means

# Sections of one dictionary each.
_PLAIN = ("test", "validation", "cost", "sharing", "weights", "training")
_PLAIN += ("skipped", "evaluation")
_SHORT = {"validation": "val"}
"""Section -> its name in keys, if that is another one."""
_LONG = {short: name for name, short in _SHORT.items()}
_BY_SET = ("natural", "ood", "fitted")
_SUITES = ("corrupted", "shifted")
_MEMBER, _MEAN, _STD = "_member_", "mean", "_std"
_SEVERITY, _TYPES = "severity", "types"
_MOST_DIGITS = 4
"""Of a member or severity; a damaged file must not ask for a billion."""


def _empty():
    return dataclasses.field(default_factory=dict)


class _Joinable:
    def __or__(self, other):
        """Returns the entries of both, the other's where both have one."""
        names = [field.name for field in dataclasses.fields(self)]
        values = [(getattr(self, n), getattr(other, n)) for n in names]
        joined = [_joined(*pair) for pair in values]
        return type(self)(**dict(zip(names, joined, strict=True)))


def _joined(first, second):
    if isinstance(first, _Joinable):
        return first | second
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    both = first.keys() & second.keys()
    joined = {key: _joined(first[key], second[key]) for key in both}
    return first | second | joined


@dataclasses.dataclass(frozen=True)
class SuiteResults(_Joinable):
    """Results on variants of the test set: corrupted or shifted images.

    Attributes:
        means: Metric -> mean over all sets; of a corrupted suite with more
            types than the 15 of the benchmark, over these.
        deviations: Metric -> standard deviation over all sets.
        by_severity: Severity -> metric -> mean over the same types.
        of_types: Number of types, 17 or 19 -> metric -> mean over those types
            of CIFAR-100-C.
        sets: (type, severity) -> metric -> value.

    Example:

    ```python
    flat = {"corrupted/fog_3/nll": 0.9, "corrupted/nll": 0.9}
    suite = mimo_keras.evaluation.Results.from_flat(flat).corrupted
    suite.means["nll"]                                       # 0.9
    ```
    """

    means: dict = _empty()
    deviations: dict = _empty()
    by_severity: dict = _empty()
    of_types: dict = _empty()
    sets: dict = _empty()

    def _with_others(self):
        """Returns means over the types that are used today.

        Those of older versions are over all types that there are.
        """
        if self.of_types or not self.sets:
            return self
        now = type_means.summary(self.sets)
        return dataclasses.replace(self, **now) if now["of_types"] else self

    def _flat(self):
        flat = dict(self.means)
        flat |= {f"{name}{_STD}": v for name, v in self.deviations.items()}
        sets = {(_SEVERITY, s): m for s, m in self.by_severity.items()}
        sets |= {(_TYPES, n): m for n, m in self.of_types.items()}
        sets |= self.sets
        return flat | _named({f"{t}_{s}": m for (t, s), m in sets.items()})

    def _place(self, rest):
        """Returns where a value stands: its dictionary, and its name there."""
        part, nested, name = rest.rpartition("/")
        if not nested:
            if name.endswith(_STD):
                return self.deviations, name.removesuffix(_STD)
            return self.means, name
        kind, _, severity = part.rpartition("_")
        if not kind or not _is_index(severity):
            return None
        if kind == _SEVERITY:
            return self.by_severity.setdefault(int(severity), {}), name
        if kind == _TYPES:
            return self.of_types.setdefault(int(severity), {}), name
        return self.sets.setdefault((kind, int(severity)), {}), name


@dataclasses.dataclass(frozen=True)
class Results(_Joinable):
    """What was measured of an ensemble.

    `a | b` has the entries of both, and b's where both have one.

    Attributes:
        test: The ensemble on the clean test set: metric -> value.
        validation: The ensemble on training images that were held out.
        members: Its members there: number -> metric -> value.
        member_means: Metric -> mean over the members.
        corrupted: `SuiteResults` on corrupted images.
        shifted: `SuiteResults` on shifted images.
        natural: Natural test set -> metric -> value. A set that is scored in
            several ways is there once for each, as "<set>/<way>".
        ood: Out-of-distribution set -> how well it is detected.
        fitted: The predictor after a fit to held-out images: "test",
            "severity_<s>" or "ood_<set>" -> metric -> value; and "on" -> what
            it was fitted on.
        cost: What a prediction costs, by name.
        sharing: Sharing rates, by name.
        weights: Facts about the weights, by name.
        training: How far the training was, by name: "epoch" of "epochs".
        skipped: Test set -> number of images that could not be read.
        evaluation: How it was measured, by name: "averaged_logits" is 1 if the
            members' logits were averaged, 0 for their probabilities;
            "num_bins" is the number of bins of the calibration error;
            "corrupted_examples" is the number of images of each corrupted set,
            0 for all.
        other: Entries of results.json that are none of these, by key.

    Example:

    ```python
    flat = {"test/nll": 0.5, "corrupted/fog_3/nll": 0.9}
    results = mimo_keras.evaluation.Results.from_flat(flat)
    results.test["nll"]                                      # 0.5
    results.corrupted.sets["fog", 3]["nll"]                  # 0.9
    ```
    """

    test: dict = _empty()
    validation: dict = _empty()
    members: dict = _empty()
    member_means: dict = _empty()
    corrupted: SuiteResults = dataclasses.field(default_factory=SuiteResults)
    shifted: SuiteResults = dataclasses.field(default_factory=SuiteResults)
    natural: dict = _empty()
    ood: dict = _empty()
    fitted: dict = _empty()
    cost: dict = _empty()
    sharing: dict = _empty()
    weights: dict = _empty()
    training: dict = _empty()
    skipped: dict = _empty()
    evaluation: dict = _empty()
    other: dict = _empty()

    def flat(self):
        """Returns all values by their keys in results.json.

        "test/<metric>", "test/<metric>_member_<number>" and "…_member_mean";
        "corrupted/<metric>", "corrupted/severity_<s>/<metric>",
        "corrupted/types_<number>/<metric>" and
        "corrupted/<type>_<s>/<metric>"; the same for "shifted", with
        "shifted/<metric>_std"; "<section>/<set>/<metric>" for natural, ood
        and fitted, "val/<metric>" for validation, "<section>/<name>" for the
        others.
        """
        sections = {name: dict(getattr(self, name)) for name in _PLAIN}
        for name in _BY_SET:
            sections[name] = _named(getattr(self, name))
        for name in _SUITES:
            sections[name] = getattr(self, name)._flat()
        by_member = {**self.members, _MEAN: self.member_means}
        sections["test"] |= {
            f"{metric}{_MEMBER}{member}": value
            for member, metrics in by_member.items()
            for metric, value in metrics.items()
        }
        sections = {_SHORT.get(n, n): values for n, values in sections.items()}
        return _named(sections) | self.other

    @classmethod
    def from_flat(cls, flat):
        """Returns the results whose `flat()` is `flat`.

        Args:
            flat: The content of a results.json, also of an older version.
        """
        results = cls()
        for key, value in flat.items():
            section, _, rest = key.partition("/")
            place = results._place(section, rest) if "/" in key else None
            metrics, name = place or (results.other, key)
            metrics[name] = value
        corrupted = results.corrupted._with_others()
        return dataclasses.replace(results, corrupted=corrupted)

    def _place(self, section, rest):
        """Returns where a value stands: its dictionary, and its name there."""
        part, nested, name = rest.rpartition("/")
        section = _LONG.get(section, section)
        if section in _SUITES:
            return getattr(self, section)._place(rest)
        if section in _BY_SET and nested:
            return getattr(self, section).setdefault(part, {}), name
        if section == "skipped":  # By set, whose name may contain a "/".
            return self.skipped, rest
        if section not in _PLAIN or nested:
            return None
        metric, separator, member = name.rpartition(_MEMBER)
        if section != "test" or not separator:
            return getattr(self, section), name
        if member == _MEAN:
            return self.member_means, metric
        if _is_index(member):
            return self.members.setdefault(int(member), {}), metric
        return self.test, name


def _named(tables):
    """Returns {table: {name: value}} as {"table/name": value}."""
    return {
        f"{table}/{name}": value
        for table, values in tables.items()
        for name, value in values.items()
    }


def _is_index(text):
    """Whether a text is a small whole number, as Python writes it."""
    small = text.isdecimal() and len(text) <= _MOST_DIGITS
    return small and str(int(text)) == text
