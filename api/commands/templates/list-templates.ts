import { fixedFilter } from '../../fields/fixed-filters.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { choice, required } from '../../fields/parameters.ts';
import { TEMPLATE } from '../../fields/answers/template.ts';
import { TEMPLATE_FILTERS } from '../../../db/templates/listing.ts';
import { answerTemplates, imageListParameters } from './template-list.ts';

export const listTemplates = defineCommand({
  name: 'listTemplates',
  description: 'Lists templates, one entry per zone.',
  roles: EVERYBODY,
  parameters: {
    templatefilter: required(choice(`which of them: ${TEMPLATE_FILTERS.join(', ')}`, TEMPLATE_FILTERS)),
    templatetype: fixedFilter('type', 'USER'),
    format: choice('those of this format: QCOW2 or RAW', ['QCOW2', 'RAW']),
    ...imageListParameters('template'),
  },
  objects: 'template',
  response: TEMPLATE,
  run: (context, values) =>
    answerTemplates(context, { ...values, iso: false, filter: values.templatefilter }),
});
