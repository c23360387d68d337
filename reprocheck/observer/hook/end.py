# Last part of the hook: what runs.

_main()
# The real one takes this module's place; when there is none, its ImportError is what Python expects to see.
# The reference keeps Python 2 from emptying this module while it still runs.
_self = sys.modules.pop(__name__, None)
import sitecustomize
