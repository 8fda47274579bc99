"""Tests of what surrounds the package: its rooms, the wheel, the image, CI files and documentation."""
