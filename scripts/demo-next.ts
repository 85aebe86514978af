// What the demo ends with.

export const whatNext = `
next: a class of your own, by the catalogue that is there: README.md, "A first class"
      CATALOGUE=fixtures/catalogue.example.json npm start
      to install it for real: docs/operator.md`
