"""A host of the lab as a machine of the controller: its tree, its container, its network, its processes."""
