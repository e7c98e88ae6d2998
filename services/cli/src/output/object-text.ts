import { stringify } from 'yaml';
import { API_VERSION } from '#libs/workflow-spec';

export const OBJECT_FORMATS = ['name', 'json', 'yaml'] as const;
export type ObjectFormat = (typeof OBJECT_FORMATS)[number];

interface Named {
  metadata: { name?: string };
}

/** The API leaves out what kind an object is, as Argo's does; a file needs it. */
export const withKind = <Kept extends Named>(kind: string, object: Kept): Kept => ({
  apiVersion: API_VERSION,
  kind,
  ...object,
});

/** YAML without folded lines. */
export const yamlText = (value: object): string => stringify(value, { lineWidth: 0 });

/** An object as its name, as JSON or as YAML. */
export const objectText = (object: Named, format: ObjectFormat): string => {
  switch (format) {
    case 'name':
      return object.metadata.name ?? '';
    case 'json':
      return JSON.stringify(object, null, 2);
    case 'yaml':
      return yamlText(object);
  }
};

/** Several objects: names line by line, one JSON list, or YAML documents. */
export const objectsText = (objects: readonly Named[], format: ObjectFormat): string => {
  switch (format) {
    case 'name':
      return objects.map(({ metadata }) => metadata.name ?? '').join('\n');
    case 'json':
      return JSON.stringify(objects, null, 2);
    case 'yaml':
      return objects.map((object) => objectText(object, 'yaml')).join('---\n');
  }
};
