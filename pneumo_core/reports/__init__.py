"""Taking readings away: PDF, PNG, JSON, CSV and DICOM."""
