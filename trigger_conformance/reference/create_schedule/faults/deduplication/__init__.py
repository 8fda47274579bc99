"""Keys that are mistaken, races, requests that change what they should not."""
