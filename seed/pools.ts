import {
  ar,
  base,
  de,
  el,
  en,
  Faker,
  fr,
  he,
  hu,
  ja,
  ko,
  type LocaleDefinition,
  pl,
  pt_BR,
  ru,
  sv,
  tr,
  uk,
  vi,
  zh_CN,
} from '@faker-js/faker';

/** Ready-made texts. Faker takes microseconds per text, so it fills these once and the rows draw from them. */
export interface Pools {
  /** Names of people, by locale; the larger a locale's share, the more often it is in the list. */
  readonly people: readonly (readonly string[])[];
  /** Parts of e-mail addresses: ASCII, lower case. */
  readonly mailNames: readonly string[];
  readonly biographies: readonly string[];
  readonly adjectives: readonly string[];
  readonly materials: readonly string[];
  readonly bookTitles: readonly string[];
  readonly dishes: readonly string[];
  readonly descriptions: readonly string[];
  readonly chatter: readonly string[];
}

/** Every locale with how many shares of the users it has. */
const peopleLocales: readonly (readonly [LocaleDefinition, number])[] = [
  [en, 8],
  [de, 4],
  [fr, 3],
  [pl, 2],
  [pt_BR, 2],
  [tr, 2],
  [sv, 1],
  [hu, 1],
  [vi, 1],
  [el, 1],
  [ru, 1],
  [uk, 2],
  [ja, 2],
  [ko, 1],
  [zh_CN, 2],
  [ar, 1],
  [he, 1],
];

const greetings = [
  'Hi!',
  'Hello everyone,',
  'Grüß euch!',
  'Bonjour,',
  '¡Hola!',
  'Merhaba,',
  'こんにちは。',
  'Привіт!',
  '👋',
];

/** The pools of a seed. */
export function createPools(seed: number): Pools {
  const english = new Faker({ locale: [en, base], seed });
  return {
    people: peopleLocales.flatMap(([locale, share]) => Array(share).fill(peopleOf(locale, seed))),
    mailNames: many(300, () => `${english.person.firstName()}.${english.person.lastName()}`).map(asciiSlug),
    biographies: many(400, () => english.person.bio()),
    adjectives: many(40, () => english.commerce.productAdjective()),
    materials: many(30, () => english.commerce.productMaterial()),
    bookTitles: many(300, () => english.book.title()),
    dishes: many(200, () => english.food.dish()),
    descriptions: many(300, () => `${english.commerce.productDescription()}.`),
    chatter: chatterOf(english),
  };
}

function peopleOf(locale: LocaleDefinition, seed: number): string[] {
  const faker = new Faker({ locale: [locale, en, base], seed });
  return many(250, () => faker.person.fullName());
}

function chatterOf(faker: Faker): string[] {
  const kinds = [
    () => `Is the ${faker.commerce.productName()} back in stock?`,
    () => `My parcel from ${faker.location.city()} has arrived, thank you!`,
    () => `Does anyone know whether it comes in ${faker.color.human()}?`,
    () => faker.hacker.phrase(),
    () => `${faker.helpers.arrayElement(greetings)} ${faker.company.catchPhrase()}?`,
    () =>
      faker.helpers.arrayElement(['👍', 'Thanks!', 'Danke schön', 'ありがとう', 'Дякую', 'Yes.', 'No idea.']),
  ];
  return many(1200, () => faker.helpers.arrayElement(kinds)());
}

function many(count: number, make: () => string): string[] {
  return Array.from({ length: count }, make);
}

function asciiSlug(text: string): string {
  return text
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z.]/g, '');
}
