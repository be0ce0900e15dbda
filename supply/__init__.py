"""What Pneumo stands on: pinned by hash, without known holes, under licences that allow it."""
