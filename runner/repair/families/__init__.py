"""What must be computed to repair a failure: one module for each file of signatures.

A public function here takes what was found and gives an `Outcome`, or `None` if the signature has nothing to say. What
it takes from a log it looks up in the workflow, the lock or a table before it gets into a patch.
"""
