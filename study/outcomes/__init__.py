"""The decision of outcomes from a trace and a rule. Pure NumPy, so outcomes can be decided again under any rule."""
