// What functions in PL/Python import: modules on the list of setting etl.allowed_python_modules.
#pragma once

namespace etl::run {

// Before the function is called; it is parsed and not run. Error 42501 when it imports a module that is not listed, or
// names what imports without saying so (exec, eval, compile, __import__); functions in other languages pass. It is no
// sandbox: only superusers make functions in an untrusted language, and this tells them what they have let in.
void check_python(unsigned function);

}  // namespace etl::run
