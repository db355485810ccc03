#include "run/python_check.hpp"

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/hex.hpp"
#include "core/quote.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

constexpr pg::RoleId kBootstrapRole = 10;

// Python's own parser knows best what an import is. The function's name, its source and the list are in hexadecimal.
std::string script(const std::string& name, const std::string& source, const std::string& listed) {
  return "import ast\n"
         "name, source, listed = [bytes.fromhex(text).decode() for text in ('" +
         name + "', '" + source + "', '" + listed +
         "')]\n"
         "allowed = {entry.strip() for entry in listed.split(',')}\n"
         "imports = set()\n"
         "body = source.replace('\\r\\n', '\\n').replace('\\r', '\\n').replace('\\n', '\\n\\t')\n"
         "for node in ast.walk(ast.parse('def body():\\n\\t' + body)):\n"
         "    if isinstance(node, ast.Import):\n"
         "        imports.update(alias.name for alias in node.names)\n"
         "    elif isinstance(node, ast.ImportFrom):\n"
         "        imports.add('.' * node.level + (node.module or ''))\n"
         "    elif isinstance(node, ast.Name) and node.id in ('__import__', '__builtins__', 'exec', 'eval', "
         "'compile'):\n"
         "        imports.add(node.id)\n"
         "refused = sorted(m for m in imports if not any((m + '.').startswith(a + '.') for a in allowed))\n"
         "if refused:\n"
         "    plpy.error('function %s may not import %s' % (name, ', '.join(refused)), sqlstate='42501',\n"
         "        detail='etl.allowed_python_modules lists no such module.',\n"
         "        hint='A superuser can add it to the setting, or take the import out of the function.')\n";
}

}  // namespace

void check_python(unsigned function) {
  const pg::Rows found = pg::catalog_query(
      "SELECT l.lanname, encode(convert_to(p.oid::regprocedure::text, 'UTF8'), 'hex'),"
      " encode(convert_to(p.prosrc, 'UTF8'), 'hex') FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
      " JOIN pg_proc h ON h.oid = l.lanplcallfoid WHERE p.oid = $1::oid AND NOT l.lanpltrusted"
      " AND h.prolang = 13 AND h.proname LIKE 'plpython%_call_handler'",  // 13: C, which only superusers have
      {std::to_string(function)});
  if (found.empty()) return;
  pg::Subtransaction attempt;
  pg::ActingAs parser(kBootstrapRole, "pg_catalog, pg_temp");
  const std::string text = script(*found[0][1], *found[0][2], to_hex(pg::allowed_python_modules()));
  try {
    (void)pg::query_once("DO LANGUAGE " + quote_name(*found[0][0]) + " " + quote_literal(text));
  } catch (Error& error) {
    attempt.rollback();
    constexpr std::string_view kPrefix = "plpy.Error: ";
    if (error.message.starts_with(kPrefix)) error.message.erase(0, kPrefix.size());
    throw;
  }
  parser.leave();
  attempt.release();
}

}  // namespace etl::run
