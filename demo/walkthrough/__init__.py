"""The demo, step by step: cluster, operator, shop, customers' traffic, and a verdict on what happened.

`make demo` runs it; `python -m demo --quick` is the same with shorter phases.
"""
