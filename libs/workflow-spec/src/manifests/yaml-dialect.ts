import { type ScalarTag, type Tags } from 'yaml';

/**
 * YAML as Argo's tools read it (go-yaml v2 behind sigs.k8s.io/yaml): the 1.2 core schema plus the booleans and octal numbers of 1.1.
 * Dates stay text, sexagesimal numbers do not exist.
 */
const boolean: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/,
  resolve: (text) => /^(?:y|t|on)/i.test(text),
};

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0o?[0-7_]+$/,
  resolve: (text) => {
    const digits = text.replace(/[-+_o]/g, '');
    return (text.startsWith('-') ? -1 : 1) * parseInt(digits, 8);
  },
};

const binary: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0b[01_]+$/,
  resolve: (text) => (text.startsWith('-') ? -1 : 1) * parseInt(text.replace(/[-+_]|0b/g, ''), 2),
};

const underscored: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?[1-9][0-9]*_[0-9_]*$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
};

/** Put before the schema's own tags, so that they are tried first. */
export const goYamlTags = (tags: Tags): Tags => [boolean, octal, binary, underscored, ...tags];
