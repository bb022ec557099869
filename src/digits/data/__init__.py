"""Pictures and records: decoding, resizing, record files, readers, the mean, batches. No torch here."""
