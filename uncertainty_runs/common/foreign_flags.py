"""Flags of Uncertainty-Baselines that have another form here, or none.

Those with the same meaning have the same name: see `flags`. The others are
answered in one line with what to write instead. They are the flags of
baselines/cifar and baselines/imagenet, without those of methods that this
library does not have.
"""

_FIXED = "Leave it out: it has no counterpart here"

ANSWERS = {
    "adaptive_mixup": f"{_FIXED}.",
    "alexnet_errors_path": "Leave it out: AlexNet's errors are built in.",
    "alpha_initializer": f"{_FIXED}; see --random_sign_init.",
    "alpha_regularizer": f"{_FIXED}; see --prior_mean, --prior_stddev.",
    "aug_count": f"{_FIXED}.",
    "augmix": f"{_FIXED}.",
    "augmix_depth": f"{_FIXED}.",
    "augmix_prob_coeff": f"{_FIXED}.",
    "augmix_width": f"{_FIXED}.",
    "bn_l2": "Write --norm_l2.",
    "checkpoint_dir": "Run evaluate.py --runs=A,B with the runs' folders.",
    "cifar100_c_path": "Put the authors' folder CIFAR-100-C, with its .npy "
    "files, in the folder of --data_dir.",
    "collect_profile": f"{_FIXED}.",
    "confidence_eval_iterations": f"{_FIXED}.",
    "dempster_shafer_ood": f"{_FIXED}.",
    "dense_bias_l2": "Write --l2, one coefficient for all weights.",
    "dense_kernel_l2": "Write --l2, one coefficient for all weights.",
    "depth": "Write --backbone, such as wide_resnet_28_10 or resnet50.",
    "eval_interval": "Leave it out: every epoch ends with an evaluation.",
    "eval_on_ood": "Leave it out: sets of out-of-distribution images are "
    "always evaluated.",
    "filterwise_dropout": f"{_FIXED}; see --everywhere.",
    "gamma_initializer": f"{_FIXED}; see --random_sign_init.",
    "gamma_regularizer": f"{_FIXED}; see --prior_mean, --prior_stddev.",
    "group_1_conv_l2": "Write --l2, one coefficient for all weights.",
    "group_2_conv_l2": "Write --l2, one coefficient for all weights.",
    "group_3_conv_l2": "Write --l2, one coefficient for all weights.",
    "input_conv_l2": "Write --l2, one coefficient for all weights.",
    "mixup_alpha": f"{_FIXED}; see --method=mixmo.",
    "num_dropout_samples": "Write --samples.",
    "num_dropout_samples_training": "Leave it out: training draws one sample.",
    "num_eval_samples": "Write --samples.",
    "ood_dataset": "Leave it out: each data set has its own, which are all "
    "evaluated.",
    "residual_dropout": f"{_FIXED}; see --everywhere.",
    "saved_model_dir": "Write --eval_only and the run's --output_dir.",
    "shuffle_buffer_size": "Leave it out: each epoch is shuffled as a whole.",
    "steps_per_epoch_eval": "Leave it out: every image is evaluated.",
    "steps_per_epoch_train": "Leave it out: an epoch is one pass.",
    "use_additive_perturbation": f"{_FIXED}.",
    "use_ensemble_bn": "Write --ensemble_batch_norm.",
}
"""Flag -> what to write instead, as a sentence."""


def answer(name):
    """Returns what to write instead of an unknown flag; None if unknown.

    Args:
        name: The flag's name, perhaps with the prefix "no".
    """
    return ANSWERS.get(name) or ANSWERS.get(name.removeprefix("no"))
