"""The Read page: worklist, viewer, result, heat map, similar X-rays, export."""
