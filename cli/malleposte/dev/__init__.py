"""Tools of developers: the lab, the gate, skeletons, the reference. No host of a platform has them."""
