"""A kind cluster on this machine, whether or not an image registry can be reached.

`python -m cluster up` makes it, `images` builds the project's images and loads them, `down` removes it.
What cannot be had is made here: dockerd from Debian's packages, the node image and what runs in it from
Go modules.
"""
