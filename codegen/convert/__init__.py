"""UI graph → API prompt, exactly as the real frontend's `graphToPrompt` would send it.

graph             the saved file, read tolerantly
broadcast         links that a pack makes in the browser, made real
group_nodes       group nodes made into subgraphs
sockets           the sockets of each node, in the order and of the types that its class declares
match_types       types that follow what is linked, and links cut because of them
types             which types fit each other
expand            subgraphs unfolded into instances with ids such as `3:11`
virtual           the classes that exist in the browser alone
widgets           which widgets a node has, and which saved value belongs to which
dynamic           inputs that come and go: options of dynamic combos, groups that grow
instance_widgets  the widgets of one instance, with what hosts and primitives set
promotion         values on hosts, carried inside
primitive         values of `PrimitiveNode`, written into what it is wired to
resolve           links followed to where a value comes from
wireless          getters and the setters that they stand for
text              dynamic prompts, and references to other widgets
numbers           numbers as JavaScript has them
emit              the whole, and the prompt written
"""

from codegen.convert.emit import convert

__all__ = ["convert"]
