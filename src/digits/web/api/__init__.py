"""Actions and the JSON twins of the pages: one module a noun, one function a row of ``digits.web.routes``."""
