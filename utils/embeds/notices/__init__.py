"""The looks of notices: ``registry`` names the look of each kind, and ``look`` defines the parts of a look.

The module of a kind has its embed, its colours and pictures, and its sample; its texts are in the pools.
"""
