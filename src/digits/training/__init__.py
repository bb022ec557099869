"""Training and testing networks: the loop, solvers, learning-rate policies, snapshots, what feeds a network, kinds of answer.

``policies`` alone loads no torch: the web draws learning-rate curves with it.
"""
