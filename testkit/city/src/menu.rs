//! What the restaurants cook: invented houses, common dishes, plausible prices in Bogotá.

use comanda_schemas::{Cop, ItemId, OrderItem};
use uuid::Uuid;

use crate::fate::{Fate, cumulative};

/// A kitchen: its dishes with prices in pesos, best seller first, and minutes it takes to cook.
struct Cuisine {
    cooking_minutes: (f64, f64),
    dishes: &'static [(&'static str, i64)],
}

const CUISINES: [Cuisine; 6] = [
    Cuisine {
        cooking_minutes: (14.0, 22.0),
        dishes: &[
            ("Bandeja paisa", 34_900),
            ("Ajiaco santafereño", 31_900),
            ("Sancocho de gallina", 29_900),
            ("Lechona tolimense", 27_900),
            ("Sobrebarriga en salsa", 33_900),
            ("Arroz con coco", 8_900),
            ("Patacones con hogao", 11_900),
            ("Limonada de coco", 10_900),
            ("Jugo de lulo", 8_500),
            ("Postre de natas", 9_900),
        ],
    },
    Cuisine {
        cooking_minutes: (8.0, 14.0),
        dishes: &[
            ("Hamburguesa sencilla", 24_900),
            ("Hamburguesa doble queso", 32_900),
            ("Perro caliente", 17_900),
            ("Papas a la francesa", 9_900),
            ("Aros de cebolla", 11_500),
            ("Gaseosa 400 ml", 5_900),
            ("Malteada de arequipe", 14_900),
        ],
    },
    Cuisine {
        cooking_minutes: (12.0, 18.0),
        dishes: &[
            ("Pizza margarita", 36_900),
            ("Pizza hawaiana", 41_900),
            ("Pizza pollo y champiñones", 43_900),
            ("Lasaña mixta", 32_500),
            ("Pan de ajo", 9_900),
            ("Ensalada caprese", 21_900),
            ("Tiramisú", 14_500),
            ("Gaseosa 1,5 l", 9_500),
        ],
    },
    Cuisine {
        cooking_minutes: (6.0, 11.0),
        dishes: &[
            ("Empanada de carne", 3_900),
            ("Arepa de huevo", 6_500),
            ("Arepa con queso", 7_900),
            ("Almojábana", 4_200),
            ("Pandebono", 3_800),
            ("Chocolate santafereño", 8_900),
            ("Avena helada", 6_900),
            ("Buñuelo", 3_200),
        ],
    },
    Cuisine {
        cooking_minutes: (15.0, 24.0),
        dishes: &[
            ("Sushi roll de salmón", 38_900),
            ("Arroz chino mixto", 29_900),
            ("Ramen de cerdo", 36_500),
            ("Pad thai", 34_900),
            ("Gyozas", 18_900),
            ("Edamame", 12_900),
            ("Té frío de maracuyá", 8_900),
        ],
    },
    Cuisine {
        cooking_minutes: (10.0, 16.0),
        dishes: &[
            ("Pollo asado entero", 46_900),
            ("Medio pollo asado", 26_900),
            ("Cuarto de pollo", 16_900),
            ("Papa salada", 6_900),
            ("Yuca frita", 7_900),
            ("Ensalada de aguacate", 10_900),
            ("Gaseosa 1,5 l", 9_500),
            ("Salsa de la casa", 1_500),
        ],
    },
];

const HOUSES: [&str; 12] =
    ["Fogón", "Cocina", "Rincón", "Sazón", "Brasa", "Mesa", "Patio", "Leña", "Olla", "Balcón", "Horno", "Antojo"];
const NAMES: [&str; 14] = [
    "de la abuela Inés",
    "de don Arístides",
    "del Turpial",
    "de las Palmas",
    "del Yarumo",
    "de Macondo",
    "del Páramo",
    "de doña Berta",
    "del Arriero",
    "de la Ceiba",
    "del Colibrí",
    "de las Dos Lunas",
    "del Guayacán",
    "de Jacinta",
];

/// A dish on a menu.
#[derive(Clone, Debug)]
pub(crate) struct Dish {
    pub(crate) id: ItemId,
    pub(crate) name: &'static str,
    pub(crate) price: Cop,
}

/// What a restaurant offers, best seller first.
#[derive(Clone, Debug)]
pub(crate) struct Menu {
    pub(crate) house: String,
    pub(crate) dishes: Vec<Dish>,
    /// What the house itself believes that an order takes, minutes.
    pub(crate) cooking_minutes: f64,
    popularity: Vec<f64>,
}

impl Menu {
    /// The menu of the `number`th house. `home` is the restaurant's id, from which the dishes' ids follow.
    pub(crate) fn new(fate: &mut Fate, number: usize, home: Uuid) -> Menu {
        let cuisine = &CUISINES[fate.below(CUISINES.len())];
        let dearness = fate.between(0.85, 1.25);
        let dish = |&(name, pesos): &(&'static str, i64)| Dish {
            id: ItemId(Uuid::new_v5(&home, name.as_bytes())),
            name,
            price: Cop((pesos as f64 * dearness / 100.0).round() as i64 * 100 * CENTAVOS),
        };
        let branch = number / (HOUSES.len() * NAMES.len()) + 1;
        let house =
            format!("{} {} {branch}", HOUSES[number % HOUSES.len()], NAMES[number / HOUSES.len() % NAMES.len()]);
        Menu {
            house: house.trim_end_matches(" 1").to_owned(),
            dishes: cuisine.dishes.iter().map(dish).collect(),
            cooking_minutes: fate.between(cuisine.cooking_minutes.0, cuisine.cooking_minutes.1),
            popularity: cumulative((1..=cuisine.dishes.len()).map(|rank| 1.0 / rank as f64)),
        }
    }

    /// What somebody orders: one to four lines, each dish once, mostly one piece.
    pub(crate) fn order(&self, fate: &mut Fate) -> Vec<OrderItem> {
        let lines = 1 + fate.pick(&[0.35, 0.75, 0.93, 1.0]);
        let mut chosen: Vec<usize> = Vec::with_capacity(lines);
        while chosen.len() < lines {
            let dish = fate.pick(&self.popularity);
            if !chosen.contains(&dish) {
                chosen.push(dish);
            }
        }
        chosen.into_iter().map(|dish| self.line(dish, 1 + fate.pick(&[0.78, 0.95, 1.0]) as i32)).collect()
    }

    fn line(&self, dish: usize, quantity: i32) -> OrderItem {
        let dish = &self.dishes[dish];
        OrderItem {
            item_id: dish.id,
            name: dish.name.to_owned(),
            quantity,
            unit_price_centavos: dish.price,
            options: vec![],
        }
    }
}

/// Centavos in a peso.
const CENTAVOS: i64 = 100;
/// Tax on what the restaurants sell, on top of the menu's prices: 8 %, as in Colombia. The ride's price holds its own.
pub(crate) const TAX_BASIS_POINTS: i32 = 800;
/// A coupon: this much off, or the whole subtotal if that is less.
const COUPON: i64 = 5_000 * CENTAVOS;
const COUPON_SHARE: f64 = 0.10;

/// What an order costs; every amount in centavos and none negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bill {
    pub(crate) subtotal: Cop,
    pub(crate) delivery_fee: Cop,
    pub(crate) tax: Cop,
    pub(crate) discount: Cop,
    pub(crate) total: Cop,
}

impl Bill {
    /// The bill for `lines`, brought over `direct_minutes` of riding.
    pub(crate) fn of(lines: &[OrderItem], direct_minutes: f64, fate: &mut Fate) -> Bill {
        let subtotal: i64 = lines.iter().map(|line| line.unit_price_centavos.0 * i64::from(line.quantity)).sum();
        let delivery_fee = (39 + (direct_minutes * 3.0) as i64) * 100 * CENTAVOS;
        let tax = (subtotal * i64::from(TAX_BASIS_POINTS) + 5_000) / 10_000;
        let discount = if fate.chance(COUPON_SHARE) { COUPON.min(subtotal) } else { 0 };
        let total = subtotal + delivery_fee + tax - discount;
        Bill {
            subtotal: Cop(subtotal),
            delivery_fee: Cop(delivery_fee),
            tax: Cop(tax),
            discount: Cop(discount),
            total: Cop(total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fate::Realm;

    #[test]
    fn bills_add_up_and_prices_are_whole_hundreds_of_pesos() {
        for number in 0..200 {
            let mut fate = Fate::of(3, Realm::Restaurant, number);
            let menu = Menu::new(&mut fate, number as usize, Uuid::nil());
            let lines = menu.order(&mut fate);
            assert!(!lines.is_empty() && lines.iter().all(|line| line.quantity > 0));
            assert!(
                lines.iter().all(|line| line.unit_price_centavos.0 > 0 && line.unit_price_centavos.0 % 10_000 == 0)
            );
            let bill = Bill::of(&lines, 5.0, &mut fate);
            let sum: i64 = lines.iter().map(|line| line.unit_price_centavos.0 * i64::from(line.quantity)).sum();
            assert_eq!(bill.subtotal.0, sum);
            assert_eq!(bill.total.0, sum + bill.delivery_fee.0 + bill.tax.0 - bill.discount.0);
            assert!(bill.total.0 > 0);
        }
    }
}
