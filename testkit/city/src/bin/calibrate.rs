use comanda_city::*;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut ev = vec![];
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "jsonl")).collect();
    paths.sort();
    for p in paths { ev.push(Evening::from_file(p).unwrap()); }
    println!("{:?}", Figures::measured(&samples_of(&ev)).unwrap());
}
