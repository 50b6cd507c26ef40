"""XLM models on Keras 3, for TensorFlow and for JAX: the encoder and five heads.

`KERAS_BACKEND=jax` in the environment runs them on JAX. Configurations, checkpoints, inputs and
outputs are those of the PyTorch models; PyTorch itself is not needed.
"""

try:
    import keras
    import optree
except ImportError as error:
    raise ImportError(
        f"{error}: xlm_model.tf needs Keras 3 and one of its backends; in a clone of this project: "
        "pip install '.[tensorflow]'"
    ) from error

from xlm_model.outputs import OUTPUTS
from xlm_model.tf.heads import (
    TFXLMForMultipleChoice,
    TFXLMForQuestionAnsweringSimple,
    TFXLMForSequenceClassification,
    TFXLMForTokenClassification,
    TFXLMModel,
    TFXLMWithLMHeadModel,
)

__all__ = [
    "TFXLMForMultipleChoice",
    "TFXLMForQuestionAnsweringSimple",
    "TFXLMForSequenceClassification",
    "TFXLMForTokenClassification",
    "TFXLMModel",
    "TFXLMWithLMHeadModel",
]

for _model in __all__:
    keras.saving.register_keras_serializable("xlm_model")(globals()[_model])
# `predict` and JAX' transformations take outputs apart, and put them together again.
for _output in OUTPUTS:
    optree.register_pytree_node_class(_output, namespace="keras")
    if keras.backend.backend() == "jax":
        import jax

        jax.tree_util.register_pytree_node_class(_output)
