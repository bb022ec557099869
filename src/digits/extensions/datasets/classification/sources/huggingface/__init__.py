"""Folders of the Hugging Face libraries, read without those."""
