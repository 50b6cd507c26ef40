"""Checkpoints: reading every format, matching names and shapes to a model, and writing.

Nothing here knows the models: `formats` and `reading` give tensors under the published names,
`matching` compares names and shapes, `writing` takes tensors. What turns a whole checkpoint of one
format into another needs the models, and stands above them in `xlm_model.convert`.
"""
