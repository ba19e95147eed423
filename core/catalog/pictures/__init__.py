"""Pictures from anywhere, made safe and kept by content."""
