/** The version of a handlers module is a hash of its text, unless it states one; an edit of this line voids its receipts. */
export const version = "1"

const degrees: { readonly [city: string]: number } = { Oslo: 4, Rome: 19, Lima: 23 }

export const measure = ({ city }: { readonly city: string }) => ({ city, degrees: degrees[city] ?? 0 })

interface Brief {
  readonly weather: ReadonlyArray<{ readonly city: string; readonly degrees: number }>
  readonly tone: string
}

export const write = ({ tone, weather }: Brief): string =>
  `${tone}: ${weather.map(({ city, degrees }) => `${city} ${degrees}`).join(", ")}`

export const send = (text: string) => ({ sent: text.length })
