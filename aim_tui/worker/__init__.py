"""The only room that imports torch: the engine, the metrics, the models, and the worker process."""
