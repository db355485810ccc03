// Workbooks of a test, out of hand-written parts.
#pragma once

#include <zip.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace etl::file {

using Parts = std::map<std::string, std::string>;

// The bytes of an archive with these parts, deflated or stored.
inline std::string zip_of(const Parts& parts, bool deflated = true) {
  zip_error_t error;
  zip_source_t* const buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(buffer);
  zip_t* const archive = zip_open_from_source(buffer, ZIP_TRUNCATE, &error);
  for (const auto& [name, text] : parts) {
    const zip_int64_t index =
        zip_file_add(archive, name.c_str(), zip_source_buffer(archive, text.data(), text.size(), 0), ZIP_FL_ENC_UTF_8);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    zip_file_set_mtime(archive, static_cast<zip_uint64_t>(index), 0, 0);
  }
  if (zip_close(archive) != 0) std::abort();
  zip_stat_t status;
  if (zip_source_stat(buffer, &status) != 0 || zip_source_open(buffer) != 0) std::abort();
  std::string bytes(status.size, '\0');
  if (zip_source_read(buffer, bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size())) std::abort();
  zip_source_close(buffer);
  zip_source_free(buffer);
  return bytes;
}

// One sheet "Data" of these rows, with styles: 1 a date, 2 a timestamp, 3 a time, 4 elapsed hours, 5 a format of its
// own.
struct TestBook {
  std::string rows;
  std::string strings;     // the <si> of the shared strings
  std::string properties;  // attributes of workbookPr
  std::string code = "0.00";
  Parts more;  // instead of, or beside, those made here

  Parts parts() const {
    const std::string relationships =
        R"(<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">)";
    const std::string uri = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
    const std::string main = R"( xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main")";
    Parts all;
    all["_rels/.rels"] = relationships + R"(<Relationship Id="rId1" Type=")" + uri +
                         R"(officeDocument" Target="xl/workbook.xml"/></Relationships>)";
    all["xl/_rels/workbook.xml.rels"] = relationships + R"(<Relationship Id="rId1" Type=")" + uri +
                                        R"(worksheet" Target="worksheets/sheet1.xml"/>)" +
                                        R"(<Relationship Id="rId2" Type=")" + uri +
                                        R"(styles" Target="/xl/styles.xml"/>)" + R"(<Relationship Id="rId3" Type=")" +
                                        uri + R"(sharedStrings" Target="../xl/sharedStrings.xml"/></Relationships>)";
    all["xl/workbook.xml"] = "<workbook" + main +
                             R"( xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">)" +
                             "<workbookPr " + properties + "/>" +
                             R"(<sheets><sheet name="Data" sheetId="7" r:id="rId1"/></sheets></workbook>)";
    all["xl/styles.xml"] =
        "<styleSheet" + main + R"(><numFmts count="1"><numFmt numFmtId="164" formatCode=")" + code +
        R"("/></numFmts><cellStyleXfs><xf numFmtId="22"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>)" +
        R"(<xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="21"/><xf numFmtId="46"/>)" +
        R"(<xf numFmtId="164"/></cellXfs></styleSheet>)";
    all["xl/sharedStrings.xml"] = "<sst" + main + ">" + strings + "</sst>";
    all["xl/worksheets/sheet1.xml"] = "<worksheet" + main + "><sheetData>" + rows + "</sheetData></worksheet>";
    for (const auto& [name, text] : more) all[name] = text;
    return all;
  }
  std::string bytes() const { return zip_of(parts()); }
};

}  // namespace etl::file
