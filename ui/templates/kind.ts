/** The differences between templates and ISOs, which share their views. */
export interface Kind {
  readonly iso: boolean;
  /** `/templates` or `/isos`. */
  readonly path: string;
  readonly title: string;
  readonly one: string;
  readonly list: 'listTemplates' | 'listIsos';
  readonly key: 'template' | 'iso';
  readonly filter: 'templatefilter' | 'isofilter';
  readonly register: 'registerTemplate' | 'registerIso';
  readonly update: 'updateTemplate' | 'updateIso';
  readonly permissions: 'listTemplatePermissions' | 'listIsoPermissions';
  readonly remove: 'deleteTemplate' | 'deleteIso';
}

export const TEMPLATES: Kind = {
  iso: false,
  path: '/templates',
  title: 'Templates',
  one: 'template',
  list: 'listTemplates',
  key: 'template',
  filter: 'templatefilter',
  register: 'registerTemplate',
  update: 'updateTemplate',
  permissions: 'listTemplatePermissions',
  remove: 'deleteTemplate',
};

export const ISOS: Kind = {
  iso: true,
  path: '/isos',
  title: 'ISOs',
  one: 'ISO',
  list: 'listIsos',
  key: 'iso',
  filter: 'isofilter',
  register: 'registerIso',
  update: 'updateIso',
  permissions: 'listIsoPermissions',
  remove: 'deleteIso',
};
