"""What mimo_keras is called, needs and installs."""

import ast
import pathlib

import setuptools

HERE = pathlib.Path(__file__).resolve().parent


def version():
    """Returns the version without importing the package, which needs Keras."""
    text = (HERE / "mimo_keras" / "version.py").read_text(encoding="utf-8")
    assignment = ast.parse(text).body[-1]
    return ast.literal_eval(assignment.value)


setuptools.setup(
    name="mimo_keras",
    version=version(),
    description=(
        "Calibrated, robust predictions from efficient ensembles in Keras: "
        "MIMO and its family"
    ),
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The mimo_keras Authors",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords="keras ensembles uncertainty calibration robustness mimo",
    classifiers=[
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    packages=setuptools.find_packages(
        include=[
            "mimo_keras",
            "mimo_keras.*",
            "uncertainty_runs",
            "uncertainty_runs.*",
        ]
    ),
    python_requires=">=3.11,<3.14",
    install_requires=[
        "absl-py>=2.1,<3",
        "edward2==0.0.2",
        # TFDS imports it without declaring it.
        "importlib_resources>=6,<8",
        "keras>=3.12,<3.16",
        "matplotlib>=3.9,<4",
        "numpy>=2,<3",
        "pillow>=11",
        "scikit-learn>=1.7,<2",
        "scipy>=1.14,<2",
        # Keras's TensorBoard callback needs it; TensorFlow brings it no more.
        "tensorboard>=2.20,<2.22",
        "tensorflow>=2.20,<2.22",
        # 4.9.9 cannot read what was prepared: protobuf 7 broke it.
        "tensorflow-datasets>=4.9.10,<5",
        # edward2 needs it and does not declare it; [tf] brings tf_keras.
        "tensorflow-probability[tf]>=0.25,<0.26",
    ],
    extras_require={
        # ruff formats differently from one minor version to the next.
        "test": [
            "hypothesis>=6.100,<7",
            "pytest>=9,<10",
            "pytest-xdist>=3.6,<4",
            "ruff>=0.17.5,<0.18",
        ],
        "jax": ["jax>=0.5"],
        "onnx": ["onnx>=1.19,<2", "onnxruntime>=1.23,<2", "tf2onnx>=1.17,<2"],
        "corruptions": ["imagecorruptions-imaug>=1.1.5,<2"],
        "bench": ["torch-uncertainty[cpu]>=0.13,<0.14"],
    },
)
