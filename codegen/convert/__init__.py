"""UI graph → API prompt, exactly as the real frontend's `graphToPrompt` would send it.

graph             the saved file, read tolerantly
group_nodes       group nodes made into subgraphs
expand            subgraphs unfolded into instances with ids such as `3:11`
widgets           which widgets a node has, and which saved value belongs to which
dynamic           inputs that come and go: options of dynamic combos, groups that grow
instance_widgets  the widgets of one instance, with what hosts and primitives set
promotion         values on hosts, carried inside
primitive         values of `PrimitiveNode`, written into what it is wired to
resolve           links followed to where a value comes from
text              dynamic prompts, and references to other widgets
numbers           numbers as JavaScript has them
emit              the whole, and the prompt written
"""

from codegen.convert.emit import convert

__all__ = ["convert"]
