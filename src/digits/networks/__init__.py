"""Networks: a parsed definition becomes a torch.fx graph; one file a Caffe layer; the standard networks."""
