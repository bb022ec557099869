"""What DetectNet trains on: pictures with boxes become, changed at random, pictures with a grid that says of each cell what lies there."""
