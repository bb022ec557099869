"""What kinds of datasets share whose records are a picture and a label of any form; no kind itself."""
