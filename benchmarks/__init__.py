"""What the engine costs: the same orders through the same systems, by Seamline and by what one would write instead.

Every contender takes the same orders from shop to parcel with the same steps, over the same adapters, against the same
simulator, and makes the same calls: that is proved after each run. So only what carries the steps differs. The floor is
plain asyncio, which forgets everything when it is killed; the others could go on.
"""
