"""Figures, printed: what the operator costs. Never asserted in a test, since a slow day is no defect."""
