"""Detection without anchors: a network scores the cells of a grid, and says of each how far the sides of its box are.

``grid`` turns true boxes into what such a network learns, and has its loss; ``found`` turns what it says into boxes.

The network's output is [N, classes + 4, h, w]: a logit for each class, then the raw distances to the left, top, right and bottom side of the
box, whose softplus counts cells. A cell's side in pixels, the stride, is the picture's side over the grid's.
"""
