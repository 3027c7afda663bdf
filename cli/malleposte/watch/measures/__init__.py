"""Measures of a host, one module a source. Each makes metrics (`malleposte.watch.textfile`) of what the source says."""
