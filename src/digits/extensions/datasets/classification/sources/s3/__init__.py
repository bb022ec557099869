"""A bucket of S3 with one prefix for each class, by the fields of DIGITS 6."""
