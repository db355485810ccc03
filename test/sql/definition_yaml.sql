-- Definitions as YAML: what is exported is imported as the same, what is written by hand is read without surprises.
\a \t
CREATE SCHEMA definition_yaml;
SET search_path = definition_yaml, public;
CREATE TABLE src (id int PRIMARY KEY, "Ünï" text, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE dst (id int PRIMARY KEY, "Ünï" text, at timestamptz);
DO $$ BEGIN PERFORM etl.allow_target('definition_yaml.*'); END $$;

-- A round trip. The query has several lines, blanks at ends, a tab, and what YAML has a meaning for.
SELECT etl.create_pipeline('yaml_a', source => E'  SELECT id,  \n\t"Ünï", at -- a: comment #1, "quotes" and \\\n\n    FROM src\n',
    target => 'definition_yaml.dst', mode => 'incremental', incremental_key => 'at', incremental_id_key => 'id',
    batch_size => 7, options => '{"safety": "xact", "retry_backoff": ["1s", "2s"], "settle": "0"}',
    description => E'a line\r\nand another \u20AC', tags => '{no,012,1:30,"two words",~,on," ","",2024-05-31,"- a"}') > 0;
SELECT etl.create_pipeline('yaml_b', source => 'SELECT id FROM src', target => 'definition_yaml.dst', key_columns => '{id}') > 0;
SELECT etl.export_pipeline('yaml_a', 'yaml');
SELECT etl.export_pipeline('yaml_b', format => 'yaml');
SELECT etl.export_pipeline('yaml_a', 'yaml') = etl.export_pipeline(id, 'yaml') FROM etl.pipelines WHERE name = 'yaml_a';
CREATE TABLE kept AS SELECT name, etl.export_pipeline(name) AS json, etl.export_pipeline(name, 'yaml') AS yaml
    FROM etl.pipelines WHERE name LIKE 'yaml_%' ORDER BY name;
SELECT etl.drop_pipeline(name) FROM kept;
-- Several documents are several pipelines.
SELECT etl.import_pipeline(string_agg(yaml, E'---\n' ORDER BY name)) FROM kept;
SELECT name, json = etl.export_pipeline(name) AS same, yaml = etl.export_pipeline(name, 'yaml') AS yaml_too FROM kept ORDER BY name;
-- Replaced by the same: nothing changes, not even the version.
SELECT etl.import_pipeline(yaml, replace => true) FROM kept ORDER BY name;
SELECT etl.import_pipeline(replace(yaml, 'batch_size: 5000', 'batch_size: 9'), replace => true) FROM kept WHERE name = 'yaml_b';
SELECT name, version, etl.export_pipeline(name) = json AS same FROM etl.pipelines JOIN kept USING (name) ORDER BY name;

-- By hand: comments, quotes, anchors, a folded text, a list of pipelines, other line ends.
SELECT etl.import_pipeline(E'# films\r\n---\r\n- name: yaml_c\r\n  source: &query |\r\n    SELECT id\r\n      FROM src\r\n  target: ''definition_yaml.dst''\r\n'
    '  tags: &tags [no, 012, 1:30, on, yes, 0x1G, "true", !!str 7]\r\n'
    '- {name: yaml_d, source: *query, target: "definition_yaml.dst", tags: *tags, batch_size: 0x10, options: ~}\r\n');
SELECT etl.export_pipeline('yaml_c', 'yaml');
SELECT etl.export_pipeline('yaml_d');
SELECT etl.import_pipeline($$
name: yaml_e
description: >-
  Two lines
  are one.
source: SELECT id
  FROM src
target: definition_yaml.dst
create_target: false
key_columns: [id]
$$);
SELECT description FROM etl.pipelines WHERE name = 'yaml_e';
CALL t.run('yaml_c');
SELECT t.last_run('yaml_c');
-- Flow style wants its line ---: what begins with a bracket is JSON.
SELECT etl.import_pipeline('--- {name: yaml_f, source: SELECT id FROM src, target: definition_yaml.dst}');
SELECT t.refused($$SELECT etl.import_pipeline('{name: yaml_g, source: SELECT id FROM src, target: definition_yaml.dst}')$$);

-- Refused: as definitions.
SELECT t.refused($$SELECT etl.import_pipeline('name: yaml_a')$$);
SELECT t.refused($$SELECT etl.import_pipeline('nam: yaml_g')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nbatch_size: 012')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nbatch_size: 1e3')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\ncreate_target: yes')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nkey_columns: [1]')$$);
SELECT t.refused($$SELECT etl.import_pipeline('name: 12')$$);
SELECT t.refused($$SELECT etl.import_pipeline('SELECT 1')$$);
-- All or none of several documents.
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nsource: SELECT id FROM src\ntarget: definition_yaml.dst\n---\n')$$);
SELECT count(*) FROM etl.pipelines WHERE name = 'yaml_g';

-- Refused: as YAML.
SELECT t.refused($$SELECT etl.import_pipeline('')$$);
SELECT t.refused($$SELECT etl.import_pipeline('# nothing')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nsource: SELECT 1: 2')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nsource: "SELECT 1\ntarget: x\n')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nsource\n')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nÜnï: 1\ntags: ["Ünï", *none]')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nname: yaml_h')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nsource: a\x01')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'%YAML 1.1\n---\nname: no')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'--- [name]\n[other]')$$);
-- Refused: as JSON.
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\n12: x')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\n? [a]\n: x')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\n<<: {mode: full}')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\nbatch_size: .inf')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\ntags: !!set {a, b}')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: !name yaml_g')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'&a name: yaml_g')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: yaml_g\ntags: &t [*t]')$$);
-- Refused: hostile ones.
SELECT t.refused($$SELECT etl.import_pipeline('a: ' || repeat('[', 100000))$$);
SELECT t.refused($$SELECT etl.import_pipeline('a: ' || repeat('[', 257) || repeat(']', 257))$$);
SELECT t.refused($$SELECT etl.import_pipeline(repeat('- ', 100000))$$);
SELECT t.refused($$SELECT etl.import_pipeline('a: ' || repeat('[', 1000000))$$);
SELECT t.refused($$SELECT etl.import_pipeline(repeat('#', 17000000))$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'- &a0 [lol]\n' || string_agg(format(E'- &a%s [%s]\n', i, repeat(format('*a%s, ', i - 1), 9)), '' ORDER BY i))
    FROM generate_series(1, 20) AS i$$);
SELECT t.refused($$SELECT etl.import_pipeline('- &a ' || repeat('x', 200000) || E'\n' || repeat(E'- *a\n', 1000))$$);

-- No YAML of what could not be read again.
SELECT etl.create_pipeline('yaml_h', source => 'SELECT id FROM src', target => 'definition_yaml.dst', description => repeat('x', 300000)) > 0;
SELECT t.refused($$SELECT etl.export_pipeline('yaml_h', 'yaml')$$);
SELECT count(etl.drop_pipeline(name)) FROM etl.pipelines WHERE name LIKE 'yaml_%';
