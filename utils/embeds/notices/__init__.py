"""How notices look: ``registry`` names the look of each kind, ``look`` is what a look is made of.

The module of a kind has its embed, its colours and pictures, and its sample; its texts are beside it.
"""
