"""Networks for TensorFlow, in an interpreter that has it: ``scripts/check tensorflow``; elsewhere these are skipped."""
