"""One module per file format, and what DICOM needs."""
