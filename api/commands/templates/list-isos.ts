import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { choice, flag } from '../../fields/parameters.ts';
import { TEMPLATE } from '../../fields/answers/template.ts';
import { TEMPLATE_FILTERS } from '../../../db/templates/listing.ts';
import { answerTemplates, imageListParameters } from './template-list.ts';

export const listIsos = defineCommand({
  name: 'listIsos',
  description: 'Lists ISOs, one entry per zone.',
  roles: EVERYBODY,
  parameters: {
    isofilter: choice(
      `which of them: ${TEMPLATE_FILTERS.join(', ')}; selfexecutable when absent`,
      TEMPLATE_FILTERS,
    ),
    bootable: flag('those that a VM can boot from, or the others'),
    ispublic: flag('true: those that every account may use'),
    ...imageListParameters('ISO'),
  },
  objects: 'iso',
  response: TEMPLATE,
  run: (context, values) =>
    answerTemplates(context, { ...values, iso: true, filter: values.isofilter ?? 'selfexecutable' }),
});
