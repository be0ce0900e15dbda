"""The Data page: contents and findings of a dataset, shortcut audit, augmentation."""
