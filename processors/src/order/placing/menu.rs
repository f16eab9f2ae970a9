//! Items and options against the menu.

use super::Refusal;
use comanda_schemas::{CatalogItem, CatalogOption, CommandRejectReason, ItemOption, OrderItem};

/// The lines as the menu has them: its names and its prices.
pub(super) fn choose(lines: &[OrderItem], menu: &[CatalogItem]) -> Result<Vec<OrderItem>, Refusal> {
    let at_line =
        |line: usize, refusal: Refusal| Refusal { detail: format!("items[{line}]: {}", refusal.detail), ..refusal };
    lines.iter().enumerate().map(|(line, item)| choose_item(item, menu).map_err(|r| at_line(line, r))).collect()
}

fn choose_item(line: &OrderItem, menu: &[CatalogItem]) -> Result<OrderItem, Refusal> {
    let Some(item) = menu.iter().find(|item| item.item_id == line.item_id) else {
        return Refusal::new(CommandRejectReason::UnknownItem, "is not on the menu");
    };
    if !item.available {
        return Refusal::new(CommandRejectReason::ItemUnavailable, "is sold out");
    }
    Ok(OrderItem {
        item_id: item.item_id,
        name: item.name.clone(),
        quantity: line.quantity,
        unit_price_centavos: item.price_centavos,
        options: choose_options(&line.options, item)?,
    })
}

/// Each option once, of a group of this item, and of each group as many as it asks for. An order from a program that
/// knows no options chooses none: right, unless the item requires a choice.
fn choose_options(chosen: &[ItemOption], item: &CatalogItem) -> Result<Vec<ItemOption>, Refusal> {
    let repeated = |n: usize| chosen[..n].iter().any(|earlier| earlier.option_id == chosen[n].option_id);
    if (0..chosen.len()).any(repeated) {
        return invalid("an option is chosen twice".to_owned());
    }
    let mut sold = vec![];
    for group in &item.option_groups {
        let of_group = |option: &&CatalogOption| chosen.iter().any(|choice| choice.option_id == option.option_id);
        let options: Vec<&CatalogOption> = group.options.iter().filter(of_group).collect();
        let (min, max) = (group.min_choices, group.max_choices);
        if !(i64::from(min)..=i64::from(max)).contains(&(options.len() as i64)) {
            return invalid(format!("of \"{}\" {min} to {max} are to be chosen, not {}", group.name, options.len()));
        }
        sold.extend(options);
    }
    if sold.len() != chosen.len() {
        return invalid("an option is not one of this item's".to_owned());
    }
    if sold.iter().any(|option| !option.available) {
        return Refusal::new(CommandRejectReason::ItemUnavailable, "an option is sold out");
    }
    Ok(sold.into_iter().map(as_sold).collect())
}

fn as_sold(option: &CatalogOption) -> ItemOption {
    ItemOption { option_id: option.option_id, name: option.name.clone(), price_centavos: option.price_centavos }
}

fn invalid<T>(detail: String) -> Result<T, Refusal> {
    Refusal::new(CommandRejectReason::InvalidOptions, detail)
}
